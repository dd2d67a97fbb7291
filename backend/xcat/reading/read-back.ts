import type { Userid } from '../../../domain/text/identifiers.ts';
import type { ReadBack } from '../../backend.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { ClosingAnswers } from '../zhcp/channel.ts';
import type { DeviceOutcomes } from './guest-devices.ts';
import { readingFrom } from './host-reading.ts';

/** Take what a call has read back of a guest. The read-back is the same for all guests of the call. */
export function noteReadBack(
  host: XcatHost,
  answers: ClosingAnswers,
  userid: Userid,
  outcomes: DeviceOutcomes,
): ReadBack {
  const { readBack, ofGuests } = host.readBacks.get(answers) ?? begun(host, answers);
  ofGuests.set(userid, outcomes);
  return readBack;
}

function begun(host: XcatHost, answers: ClosingAnswers) {
  const [vswitches, vmlan] = answers;
  const ofGuests = new Map<Userid, DeviceOutcomes>();
  const zvm = { vswitches, vmlan, system: undefined, ofGuests, entries: [], levels: [] };
  const readBack: ReadBack = { readHost: (request) => readingFrom(host, request, Promise.resolve(zvm)) };
  const entry = { readBack, ofGuests };
  host.readBacks.set(answers, entry);
  return entry;
}
