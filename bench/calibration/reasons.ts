/** Why a bar is missed, for people; shown when a bar that it concerns is. */
export const REASONS: readonly { readonly concerns: RegExp; readonly text: string }[] = [
	{
		concerns: /^always-valid: false/,
		text: "**Always-valid.** The sequence is asymptotic in the units of the smaller arm, and begins at 50 of them; see the cells named.",
	},
	{
		concerns: /^hybrid: false/,
		text: "**Hybrid.** Each half holds alone, so that both together do; see the cells named.",
	},
	{
		concerns: /^group-sequential(: false| with information)/,
		text: "**Group-sequential.** The safeguard repairs the variance, not the shape: with few events in the small arm the difference stays skewed, and bounds near 2 at the last looks reach into that tail. The test has no slack of its own: at its nominal level every cell lies at α, and the worst of so many lies above it by chance.",
	},
	{
		concerns: /^looks planned by units: power/,
		text: "**Looks planned by units.** Where young units catch up with old ones (calls of their first days), how looks depend on each other is not known, and each is tested alone. Spending by information found more there, by a correlation that is too high: at 10 looks it errs above α in these very data. `maturationHours` gives the power back.",
	},
	{
		concerns: /^CUPED/,
		text: "**CUPED with a confidence sequence.** The sequence is asymptotic in the units of the smaller arm, and begins at 50 of them; θ is estimated as well. See the cells named.",
	},
	{
		concerns: /^best-arm/,
		text: "**Best-arm claim.** See the cells named.",
	},
	{
		concerns: /^bounded means/,
		text: "**Bounded means.** That the rate is at most α is a theorem; too few streams were run to show it.",
	},
	{
		concerns: /^power planned/,
		text: "**Planned power.** Power is planned with the expected variance, by the normal approximation, and for skewed data with a spread of the variance as if they were normal. See the cells named.",
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
