/** Pages of the desk. Each view, filter and range lives in the URL. */

import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";

import { resumeSession, session } from "./api/session";
import OverviewPage from "./pages/OverviewPage.vue";

const routes: RouteRecordRaw[] = [
  { path: "/login", name: "login", component: () => import("./pages/LoginPage.vue"), meta: { title: "Sign in", open: true } },
  { path: "/", name: "overview", component: OverviewPage, meta: { title: "Overview" } },
  { path: "/markets/:symbol?", name: "markets", component: () => import("./pages/MarketsPage.vue"), meta: { title: "Markets" } },
  { path: "/orders/:id?", name: "orders", component: () => import("./pages/OrdersPage.vue"), meta: { title: "Orders" } },
  { path: "/agents/:id?", name: "agents", component: () => import("./pages/AgentsPage.vue"), meta: { title: "Agents" } },
  { path: "/decisions/:id?", name: "decisions", component: () => import("./pages/DecisionsPage.vue"), meta: { title: "Decisions" } },
  { path: "/research/searches/:id?", name: "searches", component: () => import("./pages/SearchesPage.vue"), meta: { title: "Searches", place: "research" } },
  { path: "/research/:id?", name: "research", component: () => import("./pages/ResearchPage.vue"), meta: { title: "Research" } },
  { path: "/risk", name: "risk", component: () => import("./pages/RiskPage.vue"), meta: { title: "Risk" } },
  { path: "/accounts/:name?", name: "accounts", component: () => import("./pages/AccountsPage.vue"), meta: { title: "Accounts" } },
  { path: "/breaks", name: "breaks", component: () => import("./pages/BreaksPage.vue"), meta: { title: "Breaks" } },
  { path: "/fleet", name: "fleet", component: () => import("./pages/FleetPage.vue"), meta: { title: "Fleet" } },
  { path: "/drills", name: "drills", component: () => import("./pages/DrillsPage.vue"), meta: { title: "Drills" } },
  { path: "/audit", name: "audit", component: () => import("./pages/AuditPage.vue"), meta: { title: "Audit" } },
  { path: "/settings", name: "settings", component: () => import("./pages/SettingsPage.vue"), meta: { title: "Settings" } },
  { path: "/:rest(.*)*", name: "nowhere", component: () => import("./pages/NowherePage.vue"), meta: { title: "No such page" } },
];

export const router = createRouter({ history: createWebHistory("/"), routes });

router.beforeEach(async (to) => {
  if (to.meta["open"]) return true;
  if (session.state === "in") return true;
  let known = false;
  try {
    known = await resumeSession();
  } catch {
    known = false; // the server is away: the sign-in page says so when it is tried
  }
  return known ? true : { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
});

router.afterEach((to) => {
  document.title = `${String(to.meta["title"] ?? "")} · TradingHQ`;
});
