import { Worker } from "node:worker_threads";
import type { PowerPlan } from "@armspan/schema";
import type { PowerPlanOptions } from "./power-plan.ts";

let last: Promise<unknown> = Promise.resolve();

/**
 * `powerPlan` on a thread of its own, one at a time: it takes about a second of a processor, in which a service would
 * neither take spans nor look at its guardrails.
 *
 * @throws as `powerPlan`
 */
export function planInThread(options: PowerPlanOptions): Promise<PowerPlan> {
	const plan = last.then(() => started(options));
	last = plan.catch(() => undefined);
	return plan;
}

function started(options: PowerPlanOptions): Promise<PowerPlan> {
	const file = import.meta.url.endsWith(".ts") ? "./power-plan-worker.ts" : "./power-plan-worker.js";
	const worker = new Worker(new URL(file, import.meta.url), {
		workerData: options,
		// What the process preloads is not for this thread; where it reads its packages is.
		execArgv: process.execArgv.filter((argument) => argument.startsWith("--conditions=")),
	});
	return new Promise((resolve, reject) => {
		worker.once("message", resolve);
		worker.once("error", reject);
		worker.once("exit", (code) => reject(new Error(`the thread that plans ended with ${code} before it answered`)));
	});
}
