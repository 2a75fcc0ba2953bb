import { type RoutingBundle, RoutingTable } from "@armspan/router";
import { PROMPT } from "../bundles.ts";
import type { Engine } from "../engine.ts";

type Units = { readonly user: string };

/** `RoutingTable.assign`, in a function of its own for each engine: V8 shares compiled code of one function literal. */
export function armspan(name: string, bundle: RoutingBundle, attributes?: Record<string, string | number>): Engine {
	const table = RoutingTable.fromFile(bundle.file);
	const run = new Function(
		"table",
		"prompt",
		"attributes",
		`return (contexts) => {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				if (table.assign(prompt, contexts[index], attributes).variant !== "control") treatments++;
			}
			return treatments;
		};`,
	)(table, PROMPT, attributes) as (contexts: readonly Units[]) => number;
	return { name, context: (user) => ({ user }), run: (contexts) => run(contexts as readonly Units[]) };
}

/** The same, each call for another of the table's prompts. */
export function armspanRoundRobin(name: string, bundle: RoutingBundle): Engine {
	const table = RoutingTable.fromFile(bundle.file);
	const prompts = [...table.promptNames];
	return {
		name,
		context: (user) => ({ user }),
		run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				const assignment = table.assign(prompts[index % prompts.length]!, contexts[index] as Units)!;
				if (assignment.variant !== "control") treatments++;
			}
			return treatments;
		},
	};
}
