/** The look shared by all charts: tokens as colours, times in the viewer's zone. */

import { ColorType, CrosshairMode, type DeepPartial, LineStyle, type PriceFormatCustom, TickMarkType, type Time, type TimeChartOptions } from "lightweight-charts";

import { show } from "../format/decimal";
import { colour } from "../stores/theme";

const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "2-digit" });
const YEAR = new Intl.DateTimeFormat("en-GB", { year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });

function tick(time: Time, kind: TickMarkType): string {
  const at = new Date(Number(time) * 1000);
  if (kind === TickMarkType.Year) return YEAR.format(at);
  if (kind === TickMarkType.Month) return MONTH.format(at);
  if (kind === TickMarkType.DayOfMonth) return DAY.format(at);
  return HOUR.format(at);
}

/** Prices on the axis and in labels as everywhere else: grouped, with the tick's decimals. */
export function priceLook(places: number): PriceFormatCustom {
  return { type: "custom", minMove: 10 ** -places, formatter: (value: number) => show(value.toFixed(places), { places }) };
}

export function chartLook(): DeepPartial<TimeChartOptions> {
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: colour("--dim"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: false, // the attribution and its link stand in Settings, About
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--grid") } },
    crosshair: {
      mode: CrosshairMode.Normal,
      vertLine: { color: colour("--line-strong"), width: 1, style: LineStyle.Solid, labelBackgroundColor: colour("--line-strong") },
      horzLine: { color: colour("--line-strong"), width: 1, style: LineStyle.Solid, labelBackgroundColor: colour("--line-strong") },
    },
    rightPriceScale: { borderColor: colour("--line") },
    timeScale: {
      borderColor: colour("--line"),
      timeVisible: true,
      secondsVisible: false,
      tickMarkFormatter: tick,
      lockVisibleTimeRangeOnResize: true,
    },
    localization: { timeFormatter: (time: Time) => FULL.format(new Date(Number(time) * 1000)) },
  };
}
