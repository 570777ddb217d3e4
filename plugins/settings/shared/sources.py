"""Where a number or a text comes from, in the words that every setting's records use."""

from __future__ import annotations

OURS = "not published: our choice"
POST = "the post 'Preventative Steering has advantages over Inoculation Prompting'"
BETLEY = "Betley et al. 2025 (arXiv 2502.17424)"
IP_INTERNALS = "github.com/AanshSamyani/IP_Internals at commit 39f3faf, exp_1"
AUTHOR = "a comment by the author of the post, as found in a search excerpt"
