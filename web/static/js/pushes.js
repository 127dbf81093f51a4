// Pushes: the panels come by themselves; this only says whether they still do.
import { followLink } from "./link.js";

followLink(document.getElementById("stream"), document.getElementById("link"), () => {});
