import { join } from 'node:path';
import { canInstall, installedPython } from '../openstack/python-environment.ts';

/** The folder of this project's files for Feilong that are no modules. */
export const FILES = import.meta.dirname;

const FEILONG = { name: 'Feilong', requirements: join(FILES, 'requirements.txt') };

/** True where Feilong is installed already, or can be: Python 3 with venv. */
export function canRunFeilong(): boolean {
  return canInstall(FEILONG);
}

/** The Python of an environment with the pinned Feilong, installed from PyPI where it is not there. Throws an Error with pip's words. */
export function feilongPython(say: (line: string) => void): Promise<string> {
  return installedPython(FEILONG, say);
}
