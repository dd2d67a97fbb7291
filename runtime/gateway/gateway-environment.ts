import { z } from 'zod';
import { HostName, VswitchName } from '../../domain/text/identifiers.ts';

/** The hosts that a gateway serves, where no configuration file is to be there, which has the xCAT password in it. */
export const GatewayHosts = z.array(
  z.strictObject({
    host: HostName,
    physicalNetworks: z.array(z.strictObject({ name: z.string(), vswitch: VswitchName })).default([]),
  }),
);

/** JSON from a variable of the environment. Throws an Error that names the variable that is wrong, but not what is in it. */
export function variable<Schema extends z.ZodType>(
  env: NodeJS.ProcessEnv,
  name: string,
  schema: Schema,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(env[name] ?? '');
  } catch {
    throw new Error(`${name} is not given, or no JSON`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Error(`${name}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}
