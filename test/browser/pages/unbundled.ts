import { type Library, report } from './report.js';

const entry: string = '/dist/browser.js';
report(import(entry) as Promise<Library>);
