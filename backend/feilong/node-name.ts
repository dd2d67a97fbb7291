import { NodeName, type Userid } from '../../domain/text/identifiers.ts';

/** The name of a guest where the other backend has a node: its userid, in the characters of a node's name. */
export function nodeOf(userid: Userid): NodeName {
  return NodeName.safeParse(userid).data ?? NodeName.parse(`u${userid.replaceAll(/[^A-Za-z0-9]/g, '-')}u`);
}
