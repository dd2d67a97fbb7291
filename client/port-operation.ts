import { type Beginning, ownWorkflowId } from './begin-operation.ts';
import { ID_PREFIX } from './start-operation.ts';

/** What is asked of one guest's ports. */
export type PortOperation = {
  type: keyof typeof ID_PREFIX;
  host: string;
  userid: string;
  portIds: readonly string[];
  /** What the workflow takes beside host and userid. */
  rest: object;
};

/** The operation as it is started, always one of its own: of three changes A, B, A the last must not join the first. */
export function portOperation({ type, host, userid, portIds, rest }: PortOperation): Beginning {
  const input = { host, userid: userid.toUpperCase(), ...rest };
  const subject = portIds.length === 1 ? portIds[0]?.toLowerCase() : input.userid;
  return {
    type,
    host,
    userid: input.userid,
    portIds: portIds.map((portId) => portId.toLowerCase()),
    workflowId: ownWorkflowId(`${ID_PREFIX[type]}/${host}/${subject}`),
    input,
    summary: `${ID_PREFIX[type].replaceAll('-', ' ')} for ${input.userid} on ${host}`,
  };
}
