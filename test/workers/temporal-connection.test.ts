import { expect, inject, test } from 'vitest';
import { localTarget } from '../../client/temporal-connection.ts';
import { prepareExternal } from '../../runtime/process/temporal-connection.ts';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';

test('where no Temporal is, it is said where it was looked for', async () => {
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  await expect(prepareExternal(localTarget(address, 'zvm'))).rejects.toThrow(`Temporal does not answer at ${address}`);
});

test('a namespace that is not there is named, and where it is set', async () => {
  const target = localTarget(inject('temporalAddress'), 'nowhere');
  await expect(prepareExternal(target)).rejects.toThrow(/has no namespace nowhere \(TEMPORAL_NAMESPACE/);
});
