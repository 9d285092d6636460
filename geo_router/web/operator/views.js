// The views of the page, in the order of the navigation. To add one, write its module and name it
// here. A module exports one object:
//
//   id, title      the fragment of its address, and its name
//   mount(root, live)
//                  builds it once, when it is first shown, and returns an object that may have
//     update(state)  called while it is shown, at first and after each change of `live.state`
//     shown(rest)    called each time it is shown, with what follows the id in the address
//                    (`#fleet/fra`: "fra"); fetch here what the stream does not carry
//     hidden()       called each time it is left; end timers here
//
// Views draw; what they fetch is a function of api.js.

import { costs } from "./costs.js";
import { explain } from "./explain.js";
import { fillplan } from "./fillplan.js";
import { fleet } from "./fleet.js";
import { journal } from "./journal.js";
import { overview } from "./overview.js";
import { purges } from "./purges.js";
import { titles } from "./titles.js";

export const VIEWS = [overview, fleet, titles, purges, fillplan, costs, journal, explain];
