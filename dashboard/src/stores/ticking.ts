/** The viewer's clock, one beat a second, shared by everything that shows an age. */

import { ref } from "vue";

export const now = ref(Date.now());
window.setInterval(() => {
  now.value = Date.now();
}, 1000);
