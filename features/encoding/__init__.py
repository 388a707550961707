"""From typed columns to what networks learn from: features, categories, formulas, scales, the target, folds."""
