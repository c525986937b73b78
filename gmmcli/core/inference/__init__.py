"""The Pyro model and guide, and the climb of the ELBO. The only room that knows Torch and Pyro."""
