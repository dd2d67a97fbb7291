import { z } from 'zod';
import { HostName, VswitchName } from '../../domain/text/identifiers.ts';

/** The hosts of a gateway that has no configuration file, since that would hold the xCAT password. */
export const GatewayHosts = z.array(
  z.strictObject({
    host: HostName,
    physicalNetworks: z.array(z.strictObject({ name: z.string(), vswitch: VswitchName })).default([]),
  }),
);

/** JSON from a variable of the environment. Throws an Error that names the variable, but not its content. */
export function variable<Schema extends z.ZodType>(
  env: NodeJS.ProcessEnv,
  name: string,
  schema: Schema,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(env[name] ?? '');
  } catch {
    throw new Error(`${name} is missing or not JSON`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Error(`${name}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}
