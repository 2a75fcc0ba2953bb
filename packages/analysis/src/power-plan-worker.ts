import { parentPort, workerData } from "node:worker_threads";
import { type PowerPlanOptions, powerPlan } from "./power-plan.ts";

/** The other side of `planInThread`: an error ends the thread, and is told there. */
parentPort?.postMessage(powerPlan(workerData as PowerPlanOptions));
