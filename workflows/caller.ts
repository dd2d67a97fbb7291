import { workflowInfo } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { type Caller, VIAS } from '../domain/policy/verdict.ts';
import { MEMO } from '../temporal-config/names.ts';
import { ZVM_BY } from '../temporal-config/search-attributes.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The person or program that has started this run, as far as its memo or its search attributes say. */
export function callerOfRun(): Caller {
  const { memo, typedSearchAttributes } = workflowInfo();
  const origin = memo?.[MEMO.origin];
  if (isRecord(origin) && isText(origin.by))
    return { by: origin.by, via: VIAS.find((via) => via === origin.via) ?? 'temporal' };
  return { ...defined({ by: typedSearchAttributes.get(ZVM_BY) }), via: 'temporal' };
}
