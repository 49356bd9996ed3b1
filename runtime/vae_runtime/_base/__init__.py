"""The ground floor: whole files, paths, printable text, checks of arguments, optional libraries.

Nothing here knows what a bundle or a model is. It imports numpy, the standard library and
`vae_runtime.errors`, and no other folder of this package.
"""
