"""The report of a run, one self-contained HTML file, made from the files of its folder alone."""

from ssltoolbox.report.page import render_report

__all__ = ["render_report"]
