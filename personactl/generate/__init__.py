"""From a Shot to pixels: model lock, capabilities, and one adapter a file.

layout.py               which pipeline family a folder holds, and where its parts are
lock.py                 folder → ModelLock and Capabilities, nothing loaded
schedulers.py           the scheduler names of a manifest
backend.py              the Backend protocol; opening one checks the lock again
stable_diffusion.py     the only file that imports torch and diffusers
upscale.py              a pack's upscaler
poison.py               pictures that no scorer should see: not a number, black, flat
"""

from personactl.generate.backend import Backend, open_backend
from personactl.generate.lock import lock_model
from personactl.generate.poison import poison
from personactl.weights import pocket_folder

__all__ = ["Backend", "lock_model", "open_backend", "pocket_folder", "poison"]
