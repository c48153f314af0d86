import fc from 'fast-check'

// One seed for every run, so that a change is judged by what it changes. PROPERTY_SEED=random looks further, PROPERTY_SEED=N looks again.
const { PROPERTY_SEED: wanted } = process.env
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === undefined ? 20_261_121 : Number(wanted) })
