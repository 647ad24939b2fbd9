/** A list that the stream keeps and REST fills in, followed while somebody looks. */

import { onScopeDispose } from "vue";

import { get, type Page, rowsOf } from "../api/client";
import { sentence } from "../api/problem";
import { onSessionEnd } from "../api/session";
import { hear } from "../stream/connection";
import { collection, type Collection, merged, rowsIn, type Shape } from "./channels";

const FIRST_PAGE = 200;

export interface FollowedList<T> {
  list: Collection<T>;
  /** A row that an answer brought before the stream does. */
  take: (row: T) => void;
  /** The same of a new row: where the stream was faster, what it told is newer than the answer. */
  add: (row: T) => void;
  /** Follow as long as the calling component lives; REST fills in where the stream is late. */
  follow: (trouble: (says: string) => void) => void;
}

export function followedList<T>(channel: string, path: string, shape: Shape<T>): FollowedList<T> {
  const list = collection<T>();

  async function read(trouble: (says: string) => void): Promise<void> {
    try {
      const told = rowsOf(await get<Page<T>>(path, { limit: FIRST_PAGE }));
      list.rows = merged(list.rows, told, shape, false);
      list.heardAt ??= Date.now();
    } catch (error) {
      if (list.heardAt === null) trouble(sentence(error));
    }
  }

  onSessionEnd(() => Object.assign(list, { rows: [], asOf: null, heardAt: null }));
  return {
    list,
    take: (row) => {
      list.rows = merged(list.rows, [row], shape);
    },
    add: (row) => {
      list.rows = merged(list.rows, [row], shape, false);
    },
    follow: (trouble) => {
      onScopeDispose(
        hear(channel, (frame) => {
          list.rows = merged(list.rows, rowsIn<T>(frame.data), shape);
          list.asOf = frame.as_of;
          list.heardAt = Date.now();
          trouble("");
        }),
      );
      void read(trouble);
    },
  };
}
