import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser } from '../../../tools/browsers.mjs';
import type { Visit } from './server.js';

export const firefoxPath = findBrowser('firefox');

/** No first-run pages, no updates, nothing sent home. */
const preferences = {
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.aboutwelcome.enabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'services.settings.server': '',
};

/**
 * Opens each visit in a tab of its own, the first one in front, in a stock Firefox with a new profile; ends it when
 * every tab has reported. Stock Firefox needs no driver: pages report over HTTP.
 */
export async function visitFirefox(...visits: Visit[]): Promise<void> {
  if (firefoxPath === undefined) throw new Error('Firefox was not found');
  const profile = mkdtempSync(join(tmpdir(), 'fastmlp-firefox-'));
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const urls = visits.map(({ url }) => url);
  const firefox = spawn(firefoxPath, ['--headless', '--no-remote', '--profile', profile, ...urls], {
    stdio: 'ignore',
  });
  const kill = () => firefox.kill();
  process.once('exit', kill);
  const ended = new Promise<string>((resolve) => {
    firefox.once('error', (error) => resolve(error.message));
    firefox.once('exit', (code, signal) => resolve(`Firefox ended early with ${code ?? signal}`));
  });
  const endedEarly = ended.then((reason) => Promise.reject(new Error(reason)));
  endedEarly.catch(() => {});
  try {
    await Promise.race([Promise.all(visits.map(({ report }) => report)), endedEarly]);
  } finally {
    kill();
    await ended;
    process.off('exit', kill);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
