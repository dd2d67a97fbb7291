import { defined } from '../domain/defined.ts';
import { type BackendKind, FEILONG_ZHCP } from '../domain/host/host.ts';
import type { HostReader } from './host-reader.ts';
import { SETTINGS, type Setting } from './schema.ts';
import type { Secrets } from './secrets.ts';

export type XcatAccess = {
  /** As configured: host, host:port or a full URL. */
  server: string;
  /** The same as a URL without a path. */
  url: string;
  username: string;
  password: string;
  timeoutSeconds: number;
  caFile?: string;
  verifyTls: boolean;
  credentialsInQuery: boolean;
  /** The limit of an answer's size, in MiB. */
  maxAnswerMebibytes?: number;
};

export type FeilongAccess = {
  url: string;
  /** The file with the administrator's token; none where the server asks for no token. */
  tokenFile?: string;
  /** User and password of a proxy in front of the server. */
  username?: string;
  password?: string;
  timeoutSeconds: number;
  caFile?: string;
  verifyTls: boolean;
};

/** The server that a z/VM system is managed by: one of `xcat` and `feilong`. */
export type ServerAccess = {
  xcat?: XcatAccess;
  feilong?: FeilongAccess;
  /** The node name of the zHCP in xCAT; FEILONG_ZHCP with Feilong, whose server is the zHCP itself. */
  zhcpNode: string;
};

const DEFAULT_TIMEOUT_SECONDS = 300;
const DEFAULT_ZHCP = 'zhcp';

/** Read the server of a host, and its shadow where one is named. */
export function readServers(reader: HostReader, secrets: Secrets): ServerAccess & { shadow?: ServerAccess } {
  const kind = isByFeilong(reader) ? 'feilong' : 'xcat';
  return { ...readAccess(kind, reader, secrets), ...defined({ shadow: readShadow(kind, reader, secrets) }) };
}

/** The server that a host is managed by: the one that the files name. They may name both, as Nova's names Feilong: then they say which. */
function isByFeilong(reader: HostReader): boolean {
  const named = reader.read(SETTINGS.backend);
  if (named !== undefined) return named === 'feilong';
  if (reader.find(SETTINGS.connectorUrl) === undefined) return false;
  if (reader.find(SETTINGS.server) !== undefined)
    reader.report(SETTINGS.backend, 'is missing where both zvm_xcat_server and cloud_connector_url are given');
  return true;
}

function readAccess(kind: BackendKind, reader: HostReader, secrets: Secrets): ServerAccess {
  if (kind === 'feilong') return { zhcpNode: FEILONG_ZHCP, feilong: readFeilong(reader, secrets) };
  return { zhcpNode: reader.read(SETTINGS.zhcpNode) ?? DEFAULT_ZHCP, xcat: readXcat(reader, secrets) };
}

function readShadow(active: BackendKind, reader: HostReader, secrets: Secrets): ServerAccess | undefined {
  const kind = reader.read(SETTINGS.shadowBackend);
  if (kind === undefined) return undefined;
  if (kind !== active) return readAccess(kind, reader, secrets);
  const found = reader.find(SETTINGS.shadowBackend);
  reader.report(SETTINGS.shadowBackend, 'is the backend that the host is managed by', found);
  return undefined;
}

function readXcat(reader: HostReader, secrets: Secrets): XcatAccess {
  const server = reader.readRequired(SETTINGS.server, { server: '', url: '' });
  const readApart = (setting: Setting<string>, variable: string) =>
    reader.readRequired(setting, '', secrets.override(reader, setting, variable));
  const caFile = reader.read(SETTINGS.caFile);
  const maxAnswerMebibytes = reader.read(SETTINGS.maxAnswerMebibytes);
  return {
    ...server,
    username: readApart(SETTINGS.username, 'ZVM_XCAT_USERNAME'),
    password: readApart(SETTINGS.password, 'ZVM_XCAT_PASSWORD'),
    timeoutSeconds: reader.read(SETTINGS.timeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    ...defined({ caFile }),
    verifyTls: reader.read(SETTINGS.verifyTls) ?? true,
    credentialsInQuery: reader.read(SETTINGS.credentialsInQuery) ?? false,
    ...defined({ maxAnswerMebibytes }),
  };
}

function readFeilong(reader: HostReader, secrets: Secrets): FeilongAccess {
  const url = reader.readRequired(SETTINGS.connectorUrl, '');
  const caFile = reader.read(SETTINGS.connectorCaFile);
  const tokenFile = reader.read(SETTINGS.feilongTokenFile);
  const username = reader.read(SETTINGS.feilongUsername);
  const apart = secrets.override(reader, SETTINGS.feilongPassword, 'ZVM_FEILONG_PASSWORD');
  const password = username === undefined ? undefined : reader.readRequired(SETTINGS.feilongPassword, '', apart);
  // z/VM tells Feilong no MAC prefix.
  reader.readRequired(SETTINGS.macPrefix, '');
  return {
    url,
    timeoutSeconds: reader.read(SETTINGS.feilongTimeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    verifyTls: reader.read(SETTINGS.feilongVerifyTls) ?? true,
    ...defined({ caFile, tokenFile, username, password }),
  };
}
