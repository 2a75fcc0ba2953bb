import { absoluteContrast, type Contrast, type RatioSums, relativeContrast } from "@armspan/stats";
import type { OverlapMoments } from "@armspan/store";
import type { PairContrast } from "./pair-contrast.ts";

/**
 * The contrast of two ratios of which some units are in both. With dᵢ = Yᵢ − R·Nᵢ, a unit adds d₁ᵢ/ΣN₁ to the error of one
 * ratio and d₂ᵢ/ΣN₂ to that of the other, so the ratios have the covariance Σ d₁ᵢd₂ᵢ/(ΣN₁ΣN₂), over units in both.
 * Positive where a unit's calls are alike: then the difference is known better than that of other units would be.
 *
 * @param found of `pairContrast`, as if no unit were in both; its `control` is the first of the products
 * @returns as it was found where the covariance leaves nothing of the variance
 */
export function overlapContrast(
	found: PairContrast,
	control: RatioSums<bigint>,
	treatment: RatioSums<bigint>,
	products: OverlapMoments,
	scale: number,
): PairContrast {
	const covariance = ratioCovariance(control, treatment, products, scale);
	const { contrast } = found;
	const variance = contrast.variance - 2 * covariance;
	if (covariance === 0 || !(variance > 0)) return found;
	const adjusted: Contrast = {
		...contrast,
		variance,
		covarianceWithBaseline: contrast.covarianceWithBaseline + covariance,
		// Of pairs there is one less than pairs.
		degreesOfFreedom: Math.min(contrast.degreesOfFreedom, Math.min(contrast.controlUnits, contrast.treatmentUnits) - 1),
	};
	return {
		...found,
		contrast: adjusted,
		effects: (multiplier) => ({
			absoluteEffect: absoluteContrast(adjusted, multiplier),
			relativeEffect: relativeContrast(adjusted, multiplier),
		}),
	};
}

/** In exact integers up to the quotient: the products nearly cancel. */
function ratioCovariance(
	{ units: units1, sumY: y1, sumN: n1 }: RatioSums<bigint>,
	{ units: units2, sumY: y2, sumN: n2 }: RatioSums<bigint>,
	{ sumYY, sumYN, sumNY, sumNN }: OverlapMoments,
	scale: number,
): number {
	const weights = n1 * n2;
	if (weights === 0n || units1 < 2n || units2 < 2n) return 0;
	const residuals = n1 * n2 * sumYY - y2 * n1 * sumYN - y1 * n2 * sumNY + y1 * y2 * sumNN;
	const [k1, k2] = [Number(units1), Number(units2)];
	// as the variances of the two, so that a unit that is alike in both leaves no variance
	const correction = Math.sqrt((k1 / (k1 - 1)) * (k2 / (k2 - 1)));
	return ((Number(residuals) / Number(weights)) * correction) / Number(weights) / scale ** 2;
}
