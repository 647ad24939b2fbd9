/** A value that lives in the URL's query, so that every view can be linked to. */

import { computed, type WritableComputedRef } from "vue";
import { type Router, useRoute, useRouter } from "vue-router";

const waiting = new Map<string, string>();

export function useQueryValue<T extends string>(name: string, otherwise: T): WritableComputedRef<T> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get() {
      const found = route.query[name];
      return (typeof found === "string" && found !== "" ? found : otherwise) as T;
    },
    set(value) {
      waiting.set(name, value === otherwise ? "" : value);
      if (waiting.size === 1) queueMicrotask(() => write(router));
    },
  });
}

/** Changes of one tick become one replacement; otherwise the later would undo the earlier. */
function write(router: Router): void {
  const query = { ...router.currentRoute.value.query };
  for (const [name, value] of waiting) {
    if (value) query[name] = value;
    else delete query[name];
  }
  waiting.clear();
  void router.replace({ query, hash: router.currentRoute.value.hash });
}
