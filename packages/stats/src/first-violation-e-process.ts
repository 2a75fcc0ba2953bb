import { pValueOfLogEValue } from "./asymptotic-confidence-sequence.ts";
import { logBetaTail } from "./log-beta-tail.ts";
import { requireArgument } from "./stats-error.ts";

// Bounds within which the log e-value was checked to be accurate and quick.
const LARGEST_COUNT = 1e12;
const SMALLEST_SHARE = 1e-6;
const LARGEST_MARGIN = 1000;

/** Counts of units whose first violation was seen, per arm. */
export interface FirstViolations {
	/** Units of the treatment arm that violated at least once: an integer in [0, 10¹²]. */
	readonly treatment: number;
	/** Units of the control arm that violated at least once: an integer in [0, 10¹²]. */
	readonly control: number;
}

export interface FirstViolationDesign {
	/** Share of units that the router sends to treatment, of these two arms: in (0, 1). */
	readonly treatmentShare: number;
	/** Tolerated ratio of treatment's rate to control's, ≥ 1: 1.5 tolerates half as many again. @default 1 */
	readonly rateRatioMargin?: number;
	/** Weight of the prior in violating units, in [0.01, 10⁶]. @default 10 */
	readonly priorStrength?: number;
}

/** Evidence that treatment violates more often than tolerated. */
export interface EValue {
	/** Natural logarithm of the e-value; it exceeds −ln α with probability ≤ α, ever, if there is no harm. */
	readonly logEValue: number;
	/** min(1, 1/e) */
	readonly pValue: number;
}

/**
 * One-sided beta-binomial e-process for rare violations (errors, unsafe answers): does treatment's rate
 * exceed control's times the margin?
 *
 * Only the first violation of a unit counts. Without an effect, each unit that comes to violate is a treatment unit with
 * probability p, whatever the rate, so the counts are a Bernoulli(p) sequence: no variance, no asymptotics, valid
 * from the first unit on and at every look. The alternative is a Beta(k·p, k·(1−p)) truncated to θ > p. The margin M
 * moves p to p·M/(p·M + 1 − p), which assumes rare violations when M ≠ 1 and units return.
 *
 * @throws {StatsError} INVALID_COUNT, INVALID_SHARE, INVALID_MARGIN, INVALID_PRIOR
 * @see Lindon, Malek 2022, arXiv:2011.03567; docs/statistics/first-violation-e-process.md
 */
export function firstViolationEProcess(violations: FirstViolations, design: FirstViolationDesign): EValue {
	const { treatmentShare, rateRatioMargin = 1, priorStrength = 10 } = design;
	requireCount("treatment", violations.treatment);
	requireCount("control", violations.control);
	requireArgument(
		treatmentShare >= SMALLEST_SHARE && 1 - treatmentShare >= SMALLEST_SHARE,
		"INVALID_SHARE",
		"treatmentShare",
		treatmentShare,
		"a number in (0, 1), no nearer to the ends than 1e-6",
	);
	requireArgument(
		rateRatioMargin >= 1 && rateRatioMargin <= LARGEST_MARGIN,
		"INVALID_MARGIN",
		"rateRatioMargin",
		rateRatioMargin,
		"a number in [1, 1000]",
	);
	requireArgument(
		priorStrength >= 0.01 && priorStrength <= 1e6,
		"INVALID_PRIOR",
		"priorStrength",
		priorStrength,
		"a number in [0.01, 1e6]",
	);

	const tolerated = treatmentShare * rateRatioMargin;
	const p = tolerated / (tolerated + 1 - treatmentShare);
	const a = priorStrength * p;
	const b = priorStrength * (1 - p);
	// Both tails are relative to the density at p, so the likelihood p^x·(1−p)^y of the null is already divided out.
	const logEValue = logBetaTail(a + violations.treatment, b + violations.control, p) - logBetaTail(a, b, p);
	return { logEValue, pValue: pValueOfLogEValue(logEValue) };
}

function requireCount(arm: keyof FirstViolations, count: number): void {
	requireArgument(
		Number.isInteger(count) && count >= 0 && count <= LARGEST_COUNT,
		"INVALID_COUNT",
		`violations.${arm}`,
		count,
		"an integer in [0, 1e12]",
	);
}
