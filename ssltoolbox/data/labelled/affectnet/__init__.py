"""The dataset `affectnet` (Mollahosseini, Hasani and Mahoor, AffectNet, 2017), in either release."""
