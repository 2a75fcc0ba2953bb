import { type CacheAdjustedComparison, type Experiment, type MetricDefinition, metricScale } from "@armspan/schema";
import { absoluteContrast, type NotEstimable, notEstimable, relativeContrast } from "@armspan/stats";
import { cacheAdjustedContrast } from "./cache-adjusted-contrast.ts";
import { watchedTest } from "./compare-pair.ts";
import { cacheHitSums, type Evidence } from "./evidence.ts";
import { type Pair, treatmentPairs } from "./pair.ts";
import { shownEffect } from "./shown-comparison.ts";

/** Units that the smaller arm must have, as for every other comparison. */
const MINIMUM_UNITS = 50;

/** Each treatment against control at one share of cache hits; empty for metrics that no cache changes. */
export function cacheAdjustments(
	metric: MetricDefinition,
	experiment: Experiment,
	evidence: Evidence,
): CacheAdjustedComparison[] {
	return treatmentPairs(experiment).flatMap((pair) => adjustment(metric, pair, evidence) ?? []);
}

function adjustment(metric: MetricDefinition, pair: Pair, evidence: Evidence): CacheAdjustedComparison | undefined {
	const { against, variant } = pair;
	const [control, treatment] = [cacheHitSums(evidence, against, metric), cacheHitSums(evidence, variant, metric)];
	if (control === undefined || treatment === undefined) return undefined;
	const fewest = Math.min(Number(control.units), Number(treatment.units));
	if (fewest < MINIMUM_UNITS) {
		const message = `The smaller arm has ${fewest} of the ${MINIMUM_UNITS} units it needs.`;
		return unadjusted(pair, notEstimable("too-few-units", message));
	}
	const found = cacheAdjustedContrast(control, treatment, { scale: metricScale(metric) });
	if ("kind" in found) return unadjusted(pair, found);
	const { multiplier } = watchedTest(pair, found.contrast);
	const { hitShares, unadjustedDifference } = found;
	return {
		...{ variant, against },
		hitShares: { [against]: hitShares.control, [variant]: hitShares.treatment },
		pooledHitShare: hitShares.pooled,
		unadjustedDifference,
		absoluteEffect: shownEffect(absoluteContrast(found.contrast, multiplier)),
		relativeEffect: shownEffect(relativeContrast(found.contrast, multiplier)),
	};
}

function unadjusted({ variant, against }: Pair, why: NotEstimable): CacheAdjustedComparison {
	return {
		...{ variant, against, hitShares: null, pooledHitShare: null, unadjustedDifference: null },
		...{ absoluteEffect: why, relativeEffect: why },
	};
}
