/** Why a bar is missed, for people; shown when a bar that it concerns is. */
export const REASONS: readonly { readonly concerns: RegExp; readonly text: string }[] = [
	{
		concerns: /^group-sequential: false/,
		text: '**Group-sequential, skewed data in a small arm.** The test takes z-scores for normal ones. A small arm of rare or skewed values is not: at 1 % of 50,000 units and a rate of 0.01 the arm has five events at the end, and until it meets its first it believes in no variance at all. The fixed test on the same data misses too ("t-test, once" below). Use equal arms, as Armspan\'s ramps do, the safeguarded error, or the always-valid comparison.',
	},
	{
		concerns: /^safeguarded group-sequential/,
		text: "**Safeguarded group-sequential.** The safeguard repairs the variance, not the shape: with few events in the small arm the difference stays skewed, and bounds near 2 at the last looks reach into that tail.",
	},
	{
		concerns: /^hybrid/,
		text: '**Hybrid.** Half of α belongs to Welch\'s test at the end, which errs for skewed data in a small arm as it does alone ("t-test, once" below). The watched half holds.',
	},
	{
		concerns: /^always-valid/,
		text: "**Always-valid.** See the cell named: the sequence is asymptotic in the units of the smaller arm.",
	},
	{
		concerns: /^p\d+, sequential/,
		text: "**Sequential quantiles.** The density at the quantile is estimated from few observations of a small arm; plan with more units, or equal arms.",
	},
];
