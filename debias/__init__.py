"""DB-VAE: debiasing by resampling against learned latent structure (Amini, Soleimany et al., AIES 2019)."""
