/** Why a bar is missed, for people; shown when a bar that it concerns is. */
export const REASONS: readonly { readonly concerns: RegExp; readonly text: string }[] = [
	{
		concerns: /^always-valid: false/,
		text: "**Always-valid.** The sequence is asymptotic in the units of the smaller arm, and begins at 50 of them; see the cells named.",
	},
	{
		concerns: /^hybrid: false/,
		text: 'Hybrid, **skewed data in a small arm.** Half of α belongs to Welch\'s test at the end, which errs there when it is alone, too ("t-test, once" below). The watched half holds; with the safeguarded error at the end, so does the whole ("safeguarded hybrid").',
	},
	{
		concerns: /^group-sequential(: false| with information)/,
		text: "Group-sequential, **skewed data in a small arm.** The test takes z-scores for normal ones. At 1 % of 50,000 units and a rate of 0.01 the small arm has five events at the end, and until it meets its first it knows of no variance at all; of returning users at 1 % there are 100 in all, too few for the first of 200 looks. With equal arms, as Armspan's ramps have them, nothing is missed; in unequal ones hand the test the variance of the safeguarded comparison, or use the always-valid one.",
	},
	{
		concerns: /^safeguarded group-sequential/,
		text: "Safeguarded group-sequential. The safeguard repairs the variance, not the shape: with few events in the small arm the difference stays skewed, and bounds near 2 at the last looks reach into that tail.",
	},
	{
		concerns: /^p\d+, sequential/,
		text: "Sequential quantiles. The spread of the neighbouring order statistics is known from few observations; see the cells named.",
	},
	{
		concerns: /^sequential SRM/,
		text: "Sequential SRM. That the rate is at most α is a theorem (Ville's inequality), for these weights exactly. Over 50,000 looks the e-value uses up nearly all of it, so that this many streams cannot tell the rate from α; it lies below.",
	},
	{
		concerns: /^guardrail/,
		text: "Guardrails. That the rate is at most α is a theorem here (equal rates, margin 1); too few streams were run to show it.",
	},
];
