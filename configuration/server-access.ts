import { defined } from '../domain/defined.ts';
import { type BackendKind, FEILONG_ZHCP } from '../domain/host/host.ts';
import type { HostReader } from './host-reader.ts';
import { SETTINGS } from './schema.ts';

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

type Env = Readonly<Record<string, string | undefined>>;

/** Read the server of a host, and its shadow where one is named. */
export function readServers(reader: HostReader, env: Env): ServerAccess & { shadow?: ServerAccess } {
  const kind = isByFeilong(reader) ? 'feilong' : 'xcat';
  return { ...readAccess(kind, reader, env), ...defined({ shadow: readShadow(kind, reader, env) }) };
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

function readAccess(kind: BackendKind, reader: HostReader, env: Env): ServerAccess {
  if (kind === 'feilong') return { zhcpNode: FEILONG_ZHCP, feilong: readFeilong(reader, env) };
  return { zhcpNode: reader.read(SETTINGS.zhcpNode) ?? DEFAULT_ZHCP, xcat: readXcat(reader, env) };
}

function readShadow(active: BackendKind, reader: HostReader, env: Env): ServerAccess | undefined {
  const kind = reader.read(SETTINGS.shadowBackend);
  if (kind === undefined) return undefined;
  if (kind !== active) return readAccess(kind, reader, env);
  const found = reader.find(SETTINGS.shadowBackend);
  reader.report(SETTINGS.shadowBackend, 'is the backend that the host is managed by', found);
  return undefined;
}

function readXcat(reader: HostReader, env: Env): XcatAccess {
  const server = reader.readRequired(SETTINGS.server, { server: '', url: '' });
  const caFile = reader.read(SETTINGS.caFile);
  const maxAnswerMebibytes = reader.read(SETTINGS.maxAnswerMebibytes);
  return {
    ...server,
    username: reader.readRequired(SETTINGS.username, '', env.ZVM_XCAT_USERNAME),
    password: reader.readRequired(SETTINGS.password, '', env.ZVM_XCAT_PASSWORD),
    timeoutSeconds: reader.read(SETTINGS.timeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    ...defined({ caFile }),
    verifyTls: reader.read(SETTINGS.verifyTls) ?? true,
    credentialsInQuery: reader.read(SETTINGS.credentialsInQuery) ?? false,
    ...defined({ maxAnswerMebibytes }),
  };
}

function readFeilong(reader: HostReader, env: Env): FeilongAccess {
  const url = reader.readRequired(SETTINGS.connectorUrl, '');
  const caFile = reader.read(SETTINGS.connectorCaFile);
  const tokenFile = reader.read(SETTINGS.feilongTokenFile);
  const username = reader.read(SETTINGS.feilongUsername);
  const password =
    username === undefined ? undefined : reader.readRequired(SETTINGS.feilongPassword, '', env.ZVM_FEILONG_PASSWORD);
  // z/VM tells Feilong no MAC prefix.
  reader.readRequired(SETTINGS.macPrefix, '');
  return {
    url,
    timeoutSeconds: reader.read(SETTINGS.feilongTimeoutSeconds) ?? DEFAULT_TIMEOUT_SECONDS,
    verifyTls: reader.read(SETTINGS.feilongVerifyTls) ?? true,
    ...defined({ caFile, tokenFile, username, password }),
  };
}
