import { defaultPayloadConverter, type LoadedDataConverter, type Payload } from '@temporalio/common';

/** A client, as far as its codecs. */
type Coded = { options: { loadedDataConverter: LoadedDataConverter } };

/** Values of payloads in a history, by the client's codecs; an unreadable one is undefined. */
export async function decodePayloads(
  client: Coded,
  payloads: readonly Payload[] | null | undefined,
): Promise<unknown[]> {
  let plain: Payload[] = [...(payloads ?? [])];
  for (const codec of client.options.loadedDataConverter.payloadCodecs.toReversed()) plain = await codec.decode(plain);
  return plain.map((payload) => {
    try {
      return defaultPayloadConverter.fromPayload(payload);
    } catch {
      return undefined;
    }
  });
}
