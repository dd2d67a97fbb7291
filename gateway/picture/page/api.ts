import type { z } from '@hono/zod-openapi';
import type { Guest } from '../../guest-schemas.ts';
import type { Host, Operation, Operations, Problem as ProblemSchema } from '../../schemas.ts';

// Types alone: nothing of this file is left in the browser.

export type { HostView, PortView } from '../../../domain/host/host-view.ts';
export type { Login } from '../../oidc/oidc.ts';
export type { HostChanges, HostEvents, ListChange, VswitchChange } from '../sse.ts';

/** Each resource that the page reads, by a name for it. */
export type Answers = {
  hosts: { hosts: z.infer<typeof Host>[] };
  guest: z.infer<typeof Guest>;
  operations: z.infer<typeof Operations>;
};
/** An operation in a list, with its run in the Temporal UI where the gateway knows that. */
export type ListedOperation = Omit<Answers['operations']['operations'][number], 'url'>;
export type FullGuest = Answers['guest'];
export type KnownHost = Answers['hosts']['hosts'][number];
/** An operation with its progress or its end. */
export type FullOperation = z.infer<typeof Operation>;
export type Problem = z.infer<typeof ProblemSchema>;
