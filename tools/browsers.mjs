// Finds the browsers that the tests drive.
import { existsSync } from 'node:fs';
import { findProgram } from './native.mjs';

/** @typedef {'chromium' | 'firefox'} BrowserName */

const browsers = {
  chromium: {
    variable: 'FASTMLP_CHROMIUM',
    debianPackage: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
    files: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    ],
  },
  firefox: {
    variable: 'FASTMLP_FIREFOX',
    debianPackage: 'firefox-esr',
    programs: ['firefox-esr', 'firefox'],
    files: [
      '/Applications/Firefox.app/Contents/MacOS/firefox',
      'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
    ],
  },
};

/**
 * Path of a browser: what its environment variable says, else the first of its usual names and places.
 * @param {BrowserName} name
 */
export function findBrowser(name) {
  const { variable, programs, files } = browsers[name];
  return process.env[variable] || findProgram(programs) || files.find((file) => existsSync(file));
}

/** One line for each browser that was not found: how to get it, or how to say where it is. */
export function missingBrowsers() {
  const names = /** @type {BrowserName[]} */ (Object.keys(browsers));
  return names
    .filter((name) => findBrowser(name) === undefined)
    .map((name) => {
      const { variable, debianPackage } = browsers[name];
      return `no ${name}: its tests are skipped; "apt install ${debianPackage}", or give its path in ${variable}`;
    });
}
