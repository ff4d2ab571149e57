"""How the melody model works, shown on what the visitor typed, in a real browser."""

from playwright.sync_api import Page, expect

MASK = "#melody-mask .js-plotly-plot"


def test_teacher_forcing_and_the_mask_follow_the_typed_notes(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}?tab=melody")
    page.get_by_role("button", name="How it works").click()
    fold = page.locator("#melody-notes-fold")
    expect(fold.get_by_role("article", name="Melody model, explained")).to_be_visible()
    expect(fold.locator("math").first).to_be_visible()
    table = fold.get_by_role("region", name="Teacher forcing")
    expect(table.locator("thead th")).to_have_text(["C#5", "B3", "G6"])
    expect(page.locator(f"{MASK} .xtick")).to_have_count(12)

    page.get_by_role("textbox", name="Your notes").fill("D5 A4:1/4 F#4")
    expect(table.locator("thead th")).to_have_text(["A4", "F#4"])
    expect(table.locator(".right td")).to_have_text(["A4", "1/4", "| + 3/8", "F#4", "1/8", "| + 1/2"])
    expect(page.locator(f"{MASK} .xtick")).to_have_count(9)
    page.get_by_role("textbox", name="Your notes").fill("D5")
    expect(page.locator("#melody-forcing")).to_contain_text("at least 2 notes")
