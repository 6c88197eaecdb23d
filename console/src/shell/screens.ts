/** The screens of the left pane, in order. A new room adds one line. */

import { declareScreen } from "../declare/declare";
import { listScreen } from "../list/list";
import type { Screen } from "./context";

export const SCREENS: readonly Screen[] = [listScreen, declareScreen];
