import type { EventRow } from '../../store/live/events.ts';
import type { components } from '../generated/openapi.d.ts';
import { time } from '../http/wire.ts';

/** `pos` is shown where events of many streams are read in one order. */
export const eventView = (event: EventRow, withPos: boolean): components['schemas']['Event'] => ({
  type: event.type,
  stream: event.stream,
  seq: event.seq,
  ...(withPos && event.pos !== null ? { pos: event.pos } : {}),
  at: time(event.at),
  data: event.payload,
});
