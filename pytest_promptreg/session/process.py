"""This process's settings and its role, read and chosen when they are first needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import display_path
from ..options import INI_OPTIONS, ini_value
from ..settings import Settings, check_ini_names, read_settings
from .ini_places import told_at_its_place
from .roles import Role, choose, invocation
from .set_ups import SetUps
from .stash import ENVIRONMENT, ROLE

if TYPE_CHECKING:
    import pytest


def settings_of(config: pytest.Config) -> Settings:
    """What a person set for the run.

    :raises PromptregError: naming what is wrong.
    """
    # pytest only warns of an option that nobody declared, and a mistyped gate would be gone without another word.
    # The public name of the same mapping is deprecated, and warns.
    found = config._inicfg if hasattr(config, "_inicfg") else config.inicfg
    check_ini_names(found, INI_OPTIONS, display_path(config.inipath) if config.inipath else None)
    worker = getattr(config, "workerinput", None)
    with told_at_its_place(config):
        return read_settings(
            config.getoption,
            lambda name: ini_value(config, name),
            rootdir=config.rootpath,
            invocation=invocation(config.invocation_params.args),
            workers=int(worker["workercount"]) if worker else 1,
            distributed=getattr(config.option, "dist", "no") != "no",
            cache=_cache(config),
            verbose=getattr(config.option, "verbose", 0) > 0,
            environ=config.stash.get(ENVIRONMENT, os.environ),
        )


def _cache(config: pytest.Config) -> Path | None:
    """Our folder in pytest's cache; None under `-p no:cacheprovider`, or where it cannot be made."""
    try:
        return config.cache.mkdir("promptreg") if config.cache is not None else None
    except (AttributeError, OSError):
        return None


def role_of(config: pytest.Config) -> Role:
    """This process's role, made when it is first needed.

    :raises PromptregError: when a setting is wrong.
    """
    if ROLE not in config.stash:
        role = choose(
            settings_of(config),
            is_worker=hasattr(config, "workerinput"),
            is_controller=config.pluginmanager.hasplugin("dsession"),
        )
        config.stash[ROLE] = role
        config.pluginmanager.register(SetUps())
    return config.stash[ROLE]
