/** Line icons on a 16 px grid; stroke 1.4, no fill. */

export const ICONS = {
  overview: "M2 13V7l6-4.5L14 7v6H9.8V9.2H6.2V13z",
  markets: "M4 2v2m0 6v4M4 4h0M2.6 4h2.8v6H2.6zM12 2v4m0 5v3M10.6 6h2.8v5h-2.8z",
  orders: "M3 3h10M3 6.3h10M3 9.6h6.5M3 13h4",
  agents: "M8 2.2v1.6M3.5 3.8h9v7h-9zM6 6.6v1.2M10 6.6v1.2M5.5 13.5l1-2.7M10.5 13.5l-1-2.7M1.8 6v3M14.2 6v3",
  decisions: "M8 2v3M8 5 4 8.5M8 5l4 3.5M2.6 8.5h2.8v3H2.6zM10.6 8.5h2.8v3h-2.8zM4 11.5V14M12 11.5V14",
  research: "M6 2.5h4M6.8 2.5v4L3.2 12.2c-.5.9.1 1.8 1 1.8h7.6c.9 0 1.5-.9 1-1.8L9.2 6.5v-4M5 10h6",
  risk: "M8 1.8 13.5 4v4c0 3-2.3 5.2-5.5 6.2C4.8 13.2 2.5 11 2.5 8V4z",
  accounts: "M2 5.5 8 2.5l6 3zM3.5 7v4.5M6.5 7v4.5M9.5 7v4.5M12.5 7v4.5M2 13.5h12",
  breaks: "M2 5h4.5M2 11h4.5M9.5 5H14M9.5 11H14M7.2 2.5 8.8 8 7.2 13.5",
  fleet: "M2.5 2.8h11v3.6h-11zM2.5 9.6h11v3.6h-11zM5 4.6h.01M5 11.4h.01",
  drills: "M9 1.8 3.5 9H7.5L6.8 14.2 12.5 6.8H8.5z",
  audit: "M4 2h6l2.5 2.5V14H4zM6 7.5h4.5M6 10.5h3M9.8 2v2.8h2.7",
  settings: "M2.5 4.5h7M12 4.5h1.5M2.5 11.5h1.5M6.5 11.5h7M10.8 3v3M5.2 10v3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  close: "M4 4l8 8M12 4l-8 8",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3 13.5 13.5",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  download: "M8 2.5v7M5 7l3 3 3-3M3 13.5h10",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  stop: "M4.5 4.5h7v7h-7z",
  plus: "M8 3v10M3 8h10",
  left: "M10 3.5 5.5 8 10 12.5",
  right: "M6 3.5 10.5 8 6 12.5",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  dash: "M3.5 8h9",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3l2 1.6",
} as const;

export type IconName = keyof typeof ICONS;
