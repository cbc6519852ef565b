"""`python -m tests.pictures` writes the README's pictures into this folder."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from tests.page.conftest import CHROMIUM
from tests.pictures.take import take


async def main() -> None:
    """Take them all."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        taken = await take(browser)
        await browser.close()
    for name, picture in taken.items():
        Path(__file__).with_name(f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    asyncio.run(main())
