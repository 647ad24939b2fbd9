/** One line at the foot of the screen: what was done, or what was not and why. */

import { reactive } from "vue";

interface Announcement {
  text: string;
  bad: boolean;
  id: number;
}

export const announcement = reactive<Announcement>({ text: "", bad: false, id: 0 });
let timer: number | undefined;

export function say(text: string, bad = false): void {
  announcement.text = text;
  announcement.bad = bad;
  announcement.id += 1;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => hush(), bad ? 20_000 : 6000);
}

export function hush(): void {
  announcement.text = "";
}
