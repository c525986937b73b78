"""What a mixture is: its values, the density, covariance types, sampling, whitening."""
