import "./style/tokens.css";
import "./style/ground.css";

import { createApp } from "vue";

import { onSessionEnd } from "./api/session";
import App from "./App.vue";
import { router } from "./router";

onSessionEnd(() => {
  const at = router.currentRoute.value;
  if (at.name !== "login") void router.replace({ name: "login", query: at.fullPath === "/" ? {} : { next: at.fullPath } });
});

createApp(App).use(router).mount("#app");
