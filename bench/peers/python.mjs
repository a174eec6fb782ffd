/** Where Python with a given module is: the one on the path first, then the system's. */

import { spawnSync } from 'node:child_process';

/**
 * The first Python interpreter that has `module`, without importing it.
 *
 * @param {string} module
 * @returns {string | undefined}
 */
export function findPythonWith(module) {
  const probe = `import importlib.util, sys; sys.exit(importlib.util.find_spec('${module}') is None)`;
  return ['python3', '/usr/bin/python3', 'python'].find(
    (python) => spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0,
  );
}
