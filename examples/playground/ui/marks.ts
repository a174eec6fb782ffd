import { classColor, cssOf, palette } from './colors.js';

/** Draws the mark of a class: its shape tells it apart without its colour. */
export function drawMark(
  context: CanvasRenderingContext2D,
  label: number,
  x: number,
  y: number,
  size: number,
  isHollow: boolean,
): void {
  const { card, isDark } = palette();
  context.beginPath();
  tracePath(context, label % 4, x, y, size);
  context.fillStyle = isHollow ? card : cssOf(classColor(label));
  context.strokeStyle = isHollow ? cssOf(classColor(label)) : isDark ? '#0008' : '#fffb';
  context.lineWidth = isHollow ? 1.6 : 1;
  context.fill();
  context.stroke();
}

function tracePath(
  context: CanvasRenderingContext2D,
  shape: number,
  x: number,
  y: number,
  size: number,
): void {
  const corners: Record<number, readonly (readonly [number, number])[]> = {
    1: [
      [-0.9, -0.9],
      [0.9, -0.9],
      [0.9, 0.9],
      [-0.9, 0.9],
    ],
    2: [
      [0, -1.2],
      [1.1, 0.8],
      [-1.1, 0.8],
    ],
    3: [
      [0, -1.25],
      [1.25, 0],
      [0, 1.25],
      [-1.25, 0],
    ],
  };
  if (shape === 0) {
    context.arc(x, y, size, 0, 2 * Math.PI);
    return;
  }
  corners[shape].forEach(([dx, dy], index) => {
    if (index === 0) context.moveTo(x + dx * size, y + dy * size);
    else context.lineTo(x + dx * size, y + dy * size);
  });
  context.closePath();
}
