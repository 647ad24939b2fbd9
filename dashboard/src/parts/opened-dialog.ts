/** A dialog that its parent opens and closes by a property. */

import { nextTick, type Ref, watch } from "vue";

/** Shows and hides the dialog; `begin` runs each time it has been opened. */
export function followOpen(dialog: Ref<HTMLDialogElement | null>, open: () => boolean, begin: () => unknown): void {
  watch(open, async (opened) => {
    await nextTick();
    if (!opened) {
      dialog.value?.close();
      return;
    }
    dialog.value?.showModal();
    await begin();
  });
}
