import { compareQuantilesSequentially, quantileComparison } from "@armspan/stats";
import { ALPHA, FEW_LOOKS } from "../looks.ts";
import { QuantileArm } from "../quantile-arm.ts";
import { CALLS_PER_USER, INTRACLASS_CORRELATION } from "../returning-users.ts";
import { scenario } from "../scenario.ts";

export const LEVELS = [0.5, 0.95, 0.99] as const;

interface QuantileCell {
	readonly key: string;
	readonly share: number;
	readonly users: number;
	/** Added to treatment's log latency, in standard deviations. */
	readonly effect: number;
}

/** Lognormal latencies of returning users, looked at 28 times. */
export const sequentialQuantiles = scenario<QuantileCell>({
	name: "sequential-quantiles",
	effort: 0.3,
	cells: [
		{ key: "50 %", share: 0.5, users: 1600, effect: 0 },
		{ key: "10 %", share: 0.1, users: 5000, effect: 0 },
		{ key: "1 %", share: 0.01, users: 10_000, effect: 0 },
		{ key: "50 %, +0.3", share: 0.5, users: 1600, effect: 0.3 },
	],
	simulate({ share, users, effect }, random, tally) {
		const [control, treatment] = [new QuantileArm(users), new QuantileArm(users)];
		const treated = Array.from({ length: users }, () => random.bernoulli(share));
		const between = Math.sqrt(INTRACLASS_CORRELATION);
		const within = Math.sqrt(1 - INTRACLASS_CORRELATION);
		const level = Float64Array.from(treated, (is) => between * random.normal() + (is ? effect : 0));
		const rejected = new Set<string>();
		const calls = users * CALLS_PER_USER;
		for (let look = 1, seen = 0; look <= FEW_LOOKS; look++) {
			for (; seen < (look / FEW_LOOKS) * calls; seen++) {
				const user = random.integer(users);
				const arm = treated[user] === true ? treatment : control;
				arm.add(user, Math.exp(level[user]! + within * random.normal()));
			}
			for (const quantile of LEVELS) lookAt(quantile);
		}
		for (const quantile of LEVELS) {
			for (const method of ["sequential", "peeked", "request-level sequential"]) {
				tally.count(`${quantile} ${method}`, rejected.has(`${quantile} ${method}`));
			}
		}

		function lookAt(quantile: number): void {
			const [c, t] = [control.estimate(quantile), treatment.estimate(quantile)];
			const [cCalls, tCalls] = [control.estimate(quantile, false), treatment.estimate(quantile, false)];
			if (c.kind === "not-estimable" || t.kind === "not-estimable") return;
			const design = { alpha: ALPHA, plannedUnits: users, plannedShare: Math.min(share, 1 - share) };
			const sequential = compareQuantilesSequentially({ ...design, control: c, treatment: t });
			if (sequential.kind === "estimated" && sequential.pValue <= ALPHA) rejected.add(`${quantile} sequential`);
			const peeked = quantileComparison(c, t, 1.959964);
			if (peeked.kind === "estimated" && Math.abs(peeked.statistic) > 1.959964) rejected.add(`${quantile} peeked`);
			if (cCalls.kind === "not-estimable" || tCalls.kind === "not-estimable") return;
			const request = { ...design, plannedUnits: calls, control: cCalls, treatment: tCalls };
			const sequence = compareQuantilesSequentially(request);
			if (sequence.kind === "estimated" && sequence.pValue <= ALPHA) {
				rejected.add(`${quantile} request-level sequential`);
			}
		}
	},
});
